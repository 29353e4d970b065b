"""What orders do, free of GraphQL and of any peer's protocol.

placing      order tests, cancel; prescribe, stop: idempotent commands
prescribing  what a dosage says, and what can never be right
delivering   outbox -> laboratory and pharmacy
receiving    sweeps: reports and dispenses -> tables, nothing lost, nothing overwritten
results      which version of a report wins
importing    what an EHR has on record
catalogue    search in the code tables
"""
