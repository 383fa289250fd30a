"""`conversations/*.yaml`: calls that must go well."""
