"""Routes and loops for whoever runs the server."""
