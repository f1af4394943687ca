"""`crossdock demo`: a day of trade on one machine, with everything going wrong that goes wrong on a real day.

trade the day as data · estate the systems it happens on · shop hands the orders in · faults what goes wrong ·
customers what happens to them · people who they are · clerks what people do in the ERP and at the till ·
watch reads along · open_ends what an unfinished day waits for · books asks the ERP ·
verdict and customer_verdict whether every promise held · show how it looks
"""
