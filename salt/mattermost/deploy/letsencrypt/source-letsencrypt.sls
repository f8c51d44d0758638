# A certificate signed by an ACME CA by HTTP challenge, renewed by certbot's own timer. Included by init.sls.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set certbot = mattermost.platform.certbot %}
{% set letsencrypt = mattermost.letsencrypt %}

certbot-is-installed:
  pkg.installed:
    - pkgs: {{ certbot.packages | json }}

certbot-trusts-the-authority:
  mattermost_letsencrypt.authority_trusted:
    - name: {{ certbot.directory }}/mattermost-authority.pem
    - pem: {{ letsencrypt.ca_pem | json }}
    - unit_dropin: /etc/systemd/system/{{ certbot.service }}.d/mattermost.conf
    - require:
      - pkg: certbot-is-installed

certificate-renewal-reloads-nginx:
  file.managed:
    - name: {{ certbot.directory }}/renewal-hooks/deploy/mattermost-nginx
    - source: salt://mattermost/deploy/letsencrypt/files/etc/letsencrypt/renewal-hooks/deploy/mattermost-nginx
    - user: root
    - group: root
    - mode: '0755'
    - makedirs: True
    - require:
      - pkg: certbot-is-installed

certificate-of-an-earlier-host-is-restored:
  mattermost_letsencrypt.restored:
    - name: {{ mattermost.name }}
    - archive: {{ letsencrypt.archive | json }}
    - email: {{ mattermost.email | json }}
    - server: {{ letsencrypt.directory_url }}
    - key_type: {{ letsencrypt.key_type }}
    - authority: {{ certbot.directory }}/mattermost-authority.pem
    - directory: {{ certbot.directory }}
    - log: {{ certbot.log }}
    - require:
      - mattermost_letsencrypt: certbot-trusts-the-authority

certificate-is-issued:
  mattermost_letsencrypt.issued:
    - name: {{ mattermost.name }}
    - covers: {{ mattermost.names | json }}
    - now: {{ mattermost.renew }}
    - work: {{ mattermost.paths.work }}
    - email: {{ mattermost.email | json }}
    - server: {{ letsencrypt.directory_url }}
    - webroot: {{ mattermost.paths.webroot }}
    - key_type: {{ letsencrypt.key_type }}
    - authority: {{ certbot.directory }}/mattermost-authority.pem
    - renews_by_lifetime: {{ certbot.renews_by_lifetime }}
    - directory: {{ certbot.directory }}
    - log: {{ certbot.log }}
    - require:
      - mattermost_letsencrypt: certificate-of-an-earlier-host-is-restored

certificate-renews-by-a-timer:
  service.running:
    - name: {{ certbot.timer }}
    - enable: True
    - require:
      - mattermost_letsencrypt: certificate-is-issued
      - file: certificate-renewal-reloads-nginx
