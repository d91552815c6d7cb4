"""Trained runs as a web server: one resident encoder, and requests of all modalities in one batch.

    mt serve runs/photos runs/sounds --port 8000

`mt_serve.app.create_app` gives the ASGI application itself, for another server.
"""
