"""What goes wrong around a server that its members gave no cause for."""
