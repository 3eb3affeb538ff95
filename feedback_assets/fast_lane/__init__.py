"""The fast lane's own step: which new items do not wait for the batch.

Belongs here: the screen, which looks at items with what other rooms have (the connectors' reading,
the local model, the rules' conditions). Does not belong here: what happens to what it takes, which
is what happens to every item.
"""
