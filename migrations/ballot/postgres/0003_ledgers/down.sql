DROP TABLE signed_ledger;
