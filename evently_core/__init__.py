"""Evently: booking, waitlist and capacity for events with limited seats, as a library."""
