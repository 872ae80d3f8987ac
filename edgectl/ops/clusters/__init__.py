"""What failed hosts have in common that the others have not."""
