"""Watch training loops outside the workbench: `dlcore.watch`."""
