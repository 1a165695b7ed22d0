"""The writer: a bounded queue, and one thread that seals captured calls and stores them."""
