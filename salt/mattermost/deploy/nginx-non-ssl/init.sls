# The site over plain HTTP, for a network that is private already. Needs: mattermost.deploy.server and
# .nginx-base.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set nginx = mattermost.platform.nginx %}

include:
  - mattermost.deploy.common

nginx-serves-the-site-over-http:
  mattermost_nginx.configured:
    - name: non-ssl
    - files:
        - path: {{ nginx.site_dir }}/mattermost-non-ssl.conf
          source: salt://mattermost/deploy/nginx-non-ssl/files/etc/nginx/conf.d/mattermost-non-ssl.conf.jinja
        - path: {{ nginx.site_dir }}/mattermost-additional-names.conf
          source: salt://mattermost/deploy/nginx-base/files/etc/nginx/conf.d/mattermost-additional-names.conf.jinja
    - absent:
        - {{ nginx.site_dir }}/mattermost-ssl.conf
        - {{ nginx.snippet_dir }}/tls.conf
    - context:
        names: {{ [mattermost.name] | json }}
        additional_names: {{ mattermost.names[1:] | json }}
        address: http://{{ mattermost.name }}
        path: {{ mattermost.server.path | json }}
        certificate: ''
        key: ''
        http2_directive: False
        snippets: {{ nginx.snippet_dir }}
    - needs:
        mattermost.deploy.nginx-base:
          - {{ nginx.snippet_dir }}/site.conf
    - ports: [80]
    - service: {{ nginx.service }}
    - error_log: {{ nginx.log_dir }}/error.log
    - work: {{ mattermost.paths.work }}

site-address-is-http:
  mattermost_config.merged:
    - name: {{ mattermost.paths.state }}/config/config.json
    - paths: {{ mattermost.paths | json }}
    - user: {{ mattermost.server.user }}
    - release: {{ mattermost.release | json }}
    - keys:
        ServiceSettings:
          SiteURL: http://{{ mattermost.name }}{{ mattermost.server.path }}
    - over: {{ mattermost.server.config | json }}
    - insist: {{ mattermost.server.insist | json }}
    - require:
      - mattermost_nginx: nginx-serves-the-site-over-http

server-knows-its-http-address:
  mattermost_service.running:
    - name: mattermost
    - release: {{ mattermost.release | json }}
    - paths: {{ mattermost.paths | json }}
    - onchanges:
      - mattermost_config: site-address-is-http
