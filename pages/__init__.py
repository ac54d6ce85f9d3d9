"""Server-rendered HTML pages: sign-in, accounts, users, guest links, campaigns, results, cases."""
