"""A small web shop: quotes, orders paid through a payment service, delivery estimates and a daily report."""
