<?php

/**
 * What a test says: stage.json and the files beside it, in the folder that AVOUCH_STAGE names. Read at every request, so
 * that a change counts at once.
 *   base    where SimpleSAMLphp is reached, with a slash at its end
 *   people  {"name:password": {"attribute": ["value", ..]}}
 *   idp     settings of the identity provider (saml20-idp-hosted)
 *   sp      settings for the service provider (saml20-sp-remote), beside what its metadata says
 * The service provider's metadata is sp.xml; keys and certificates are PEM files that `idp` names.
 */
return (function (): array {
    $folder = getenv('AVOUCH_STAGE');
    $said = json_decode(file_get_contents("$folder/stage.json"), true, 32, JSON_THROW_ON_ERROR);
    return ['folder' => $folder] + $said;
})();
