"""Between the contract and the model: pure translations, which name the field that is wrong."""
