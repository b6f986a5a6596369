"""Who a person is, and what they may see and do: sign-in, sessions and the one function that decides."""
