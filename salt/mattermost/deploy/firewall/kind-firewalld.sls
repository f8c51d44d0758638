# firewalld. Included by init.sls.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set firewall = mattermost.platform.firewall %}

firewall-allows-ssh-before-it-starts:
  mattermost_firewall.prepared:
    - name: firewalld
    - services: [http, https]

firewall-is-installed:
  pkg.installed:
    - pkgs: {{ firewall.packages | json }}
    - install_recommends: False
    - require:
      - mattermost_firewall: firewall-allows-ssh-before-it-starts

firewall-is-running:
  service.running:
    - name: {{ firewall.service }}
    - enable: True
    - require:
      - pkg: firewall-is-installed

firewall-lets-the-site-in:
  mattermost_firewall.opened:
    - name: firewalld
    - services: [http, https]
    - ports: {{ mattermost.firewall.ports | json }}
    - strict: {{ mattermost.firewall.strict }}
    - masquerade: {{ mattermost.firewall.masquerade }}
    - require:
      - service: firewall-is-running
