<?php

/**
 * The service provider as SimpleSAMLphp itself reads its metadata, which must be signed by a key that it publishes:
 * more than SimpleSAMLphp asks for.
 */
(function () use (&$metadata): void {
    $stage = require __DIR__ . '/../stage.php';
    $file = $stage['folder'] . '/sp.xml';
    if (!file_exists($file)) {
        return;
    }
    $entity = SimpleSAML\Metadata\SAMLParser::parseFile($file);
    $sp = $entity->getMetadata20SP();
    $fingerprint = fn (array $key): string => sha1(base64_decode($key['X509Certificate']));
    $fingerprints = array_map($fingerprint, $sp['keys']);
    $by_one = fn (string $sha1): bool =>
        $entity->validateFingerprint($sha1, RobRichards\XMLSecLibs\XMLSecurityDSig::SHA1);
    if (array_filter($fingerprints, $by_one) === []) {
        throw new Exception('The metadata in sp.xml is not signed by a key that it publishes.');
    }
    $metadata[$entity->getEntityId()] = $stage['sp'] + $sp;
})();
