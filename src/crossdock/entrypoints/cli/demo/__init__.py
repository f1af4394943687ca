"""`crossdock demo`: a day of trade on one machine, with everything going wrong that goes wrong on a real day.

trade the day as data · estate the systems it happens on · shop hands the orders in · faults what goes wrong ·
watch reads along · open_ends what an unfinished day waits for · books asks the ERP ·
verdict whether every promise held · show how it looks
"""
