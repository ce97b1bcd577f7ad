"""What is measured, each against a baseline that runs beside it. Never part of the tests."""
