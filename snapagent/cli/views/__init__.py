"""The data that commands show: rows, preview trees and reasons. Nothing here prints."""
