<?php

/** Whoever signs in on its login page. */
$stage = require __DIR__ . '/stage.php';

$config = ['people' => ['exampleauth:UserPass'] + $stage['people']];
