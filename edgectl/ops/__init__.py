"""What an operator can ask for: one package per capability, a pure decision and a thin apply in each."""
