"""The pages around the chat, made by the server: signing in, one's account, people, guest links."""
