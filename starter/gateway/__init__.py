"""What comes in over HTTP from vendors and other services, and the relay that hands it to Temporal."""
