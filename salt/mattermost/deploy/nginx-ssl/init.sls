# The site over HTTPS, port 80 sent there. Needs: mattermost.deploy.server, .nginx-base, and the
# certificate of .letsencrypt.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set nginx = mattermost.platform.nginx %}

include:
  - mattermost.deploy.common

nginx-serves-the-site-over-https:
  mattermost_nginx.configured:
    - name: ssl
    - files:
        - path: {{ nginx.snippet_dir }}/tls.conf
          source: salt://mattermost/deploy/nginx-ssl/files/etc/nginx/mattermost/tls.conf.jinja
        - path: {{ nginx.site_dir }}/mattermost-ssl.conf
          source: salt://mattermost/deploy/nginx-ssl/files/etc/nginx/conf.d/mattermost-ssl.conf.jinja
        - path: {{ nginx.site_dir }}/mattermost-additional-names.conf
          source: salt://mattermost/deploy/nginx-base/files/etc/nginx/conf.d/mattermost-additional-names.conf.jinja
    - absent:
        - {{ nginx.site_dir }}/mattermost-non-ssl.conf
    - context:
        names: {{ [mattermost.name] | json }}
        additional_names: {{ mattermost.names[1:] | json }}
        address: https://{{ mattermost.name }}
        path: {{ mattermost.server.path | json }}
        snippets: {{ nginx.snippet_dir }}
        certificate: {{ mattermost.certificate.chain_file }}
        key: {{ mattermost.certificate.key_file }}
        protocols: {{ nginx.protocols }}
        curves: {{ nginx.curves }}
        session_tickets: {{ nginx.session_tickets }}
        http2_directive: {{ nginx.http2_directive }}
        reject_handshake: {{ nginx.reject_handshake }}
    - needs:
        mattermost.deploy.nginx-base:
          - {{ nginx.snippet_dir }}/site.conf
        mattermost.deploy.letsencrypt:
          - {{ mattermost.certificate.chain_file }}
          - {{ mattermost.certificate.key_file }}
    - ports: [80, 443]
    - serves:
        name: {{ mattermost.name }}
        certificate: {{ mattermost.certificate.chain_file }}
    - service: {{ nginx.service }}
    - error_log: {{ nginx.log_dir }}/error.log
    - work: {{ mattermost.paths.work }}

certificates-without-a-site-renew-no-more:
  mattermost_renewal.retired:
    - name: {{ mattermost.name }}
    - serving: {{ mattermost.certificate.chain_file }}
    - directory: {{ mattermost.platform.certbot.directory }}
    - own:
        - {{ nginx.site_dir }}/mattermost-ssl.conf
    - work: {{ mattermost.paths.work }}
    - require:
      - mattermost_nginx: nginx-serves-the-site-over-https

site-address-is-https:
  mattermost_config.merged:
    - name: {{ mattermost.paths.state }}/config/config.json
    - paths: {{ mattermost.paths | json }}
    - user: {{ mattermost.server.user }}
    - release: {{ mattermost.release | json }}
    - keys:
        ServiceSettings:
          SiteURL: https://{{ mattermost.name }}{{ mattermost.server.path }}
    - over: {{ mattermost.server.config | json }}
    - insist: {{ mattermost.server.insist | json }}
    - require:
      - mattermost_nginx: nginx-serves-the-site-over-https

server-knows-its-https-address:
  mattermost_service.running:
    - name: mattermost
    - release: {{ mattermost.release | json }}
    - paths: {{ mattermost.paths | json }}
    - onchanges:
      - mattermost_config: site-address-is-https
