"""Reports in the real format of Nessus, NessusClientData_v2, with text of our own."""
