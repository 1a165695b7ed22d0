"""Captured calls go through a bounded queue to one thread, which seals and stores them."""
