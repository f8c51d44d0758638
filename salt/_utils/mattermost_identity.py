"""Whose rights this process has on files: one account's at a time, for all of its threads.

glibc gives a thread that changes its effective user to all others of the process. So who takes another account's rights holds
``held`` meanwhile, and so does, while it opens or makes files, what a thread does beside other states.
"""

import threading

held = threading.RLock()
