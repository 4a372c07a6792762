"""Tables of cases as plain data: what is compared, how closely, and why so."""
