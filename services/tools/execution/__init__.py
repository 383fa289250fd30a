"""An intent on its way: claimed in the ledger, run once, told."""
