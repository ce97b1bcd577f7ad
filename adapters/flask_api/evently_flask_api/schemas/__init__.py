"""The shapes of requests and answers. The OpenAPI document is made of them, and they validate."""
