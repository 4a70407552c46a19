-- every load begins with an empty table
ALTER TABLE bestauth.historical_claim DISABLE TRIGGER guard;
TRUNCATE bestauth.historical_claim, plain, checked;
ALTER TABLE bestauth.historical_claim ENABLE ALWAYS TRIGGER guard;
CHECKPOINT;
