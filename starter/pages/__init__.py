"""The pages people see: the advocate hub and the preferences. They work on a phone, and without a mouse or a script."""
