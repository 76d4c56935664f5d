"""What learning leaves on disk, and how runs are listed and compared."""
