"""What agents can do: wire shapes, their schemas, and the code behind them."""
