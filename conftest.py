"""Nothing to set up: rules live in integrity_tests/, the tests of the plugin itself in tests/."""
