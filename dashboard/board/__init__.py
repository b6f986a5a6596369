"""The operations board: pages for the people who keep the journeys moving, live and without a build step."""
