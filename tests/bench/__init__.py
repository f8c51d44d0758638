"""Side by side: the bundle and a straight shell script that does the same job by hand."""
