"""Every write of the control plane, one module a resource.

Each service runs in a transaction of the global database that also holds its audit row and the notices that make
every worker forget what changed. Console, REST, commands and the data plane's directory all come through here.
"""
