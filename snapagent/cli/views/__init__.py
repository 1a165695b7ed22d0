"""Data for commands to show: rows, preview trees and explanations."""
