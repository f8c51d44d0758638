"""A host in the shape of CentOS 7 or Rocky Linux 9, made of Debian's programs: names, paths, units, users and package
manager are EL's.

Never more than the shape: C library, systemd, OpenSSL, firewalld and certbot are Debian 12's, SELinux is a recorder. What
that proves and what not: docs/centos-7.md.
"""
