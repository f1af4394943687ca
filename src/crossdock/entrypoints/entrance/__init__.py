"""What every request passes, the API's and the console's alike: host, rate, access, time limit, problems."""
