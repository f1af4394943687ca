"""`crossdock match`: who is whom, in files and in the hub: dedupe, train, explain, rehearse."""
