<?php

/** SimpleSAMLphp as an identity provider on plain HTTP, for tests. */
$stage = require __DIR__ . '/stage.php';

$config = [
    'baseurlpath' => $stage['base'],
    'certdir' => $stage['folder'] . '/',
    'datadir' => $stage['folder'] . '/',
    'tempdir' => $stage['folder'] . '/temp',
    'loggingdir' => $stage['folder'] . '/',
    'metadatadir' => __DIR__ . '/metadata',
    'attributenamemapdir' => '/etc/simplesamlphp/attributemap/',
    'metadata.sources' => [['type' => 'flatfile', 'directory' => __DIR__ . '/metadata']],
    'secretsalt' => 'only-for-tests',
    'timezone' => 'UTC',

    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'exampleauth' => true, 'saml' => true],
    'admin.checkforupdates' => false,

    // What it has to say goes to stderr, which a test shows when it fails.
    'logging.handler' => 'errorlog',
    'logging.format' => '%level [%trackid] %msg',
    'logging.level' => SimpleSAML\Logger::NOTICE,
    'showerrors' => true,
    'errorreporting' => false,

    'store.type' => 'phpsession',
    'session.phpsession.savepath' => $stage['folder'] . '/sessions',
    'session.cookie.secure' => false,
    // Not said, so that a browser sends a fresh one with a form from another site, as POST bindings want.
    'session.cookie.samesite' => null,
];
