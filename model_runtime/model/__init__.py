"""The two networks, in torch. Each file can be read in one sitting."""
