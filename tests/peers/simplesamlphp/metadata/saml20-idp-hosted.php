<?php

/** The identity provider; its entity id is the URL of its metadata. */
$stage = require __DIR__ . '/../stage.php';

$metadata['__DYNAMIC:1__'] = $stage['idp'] + ['host' => '__DEFAULT__', 'auth' => 'people', 'userid.attribute' => 'uid'];
