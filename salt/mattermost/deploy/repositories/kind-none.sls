# The distribution's own repositories have everything. Included by common.sls.

repositories-are-left-alone:
  test.nop
