# The repositories that our packages come from. The system's own ones first: their certificates let the others be reached.
# Included by common.sls. Settings: platform.repositories.
{% set mattermost = salt['mattermost_settings.get']() %}
{% set repositories = mattermost.platform.repositories %}

system-repositories-answer:
  mattermost_repositories.managed:
    - name: mattermost-system
    - sections: {{ repositories.system | json }}
    - keys: {{ repositories['keys'] | json }}
    - dead: {{ repositories.dead_hosts | json }}
    - ca_file: {{ mattermost.platform.ca_bundle }}
    - setting: platform:repositories:system

certificates-of-authorities-are-recent:
  pkg.installed:
    - pkgs: {{ repositories.trust_packages | json }}
    - require:
      - mattermost_repositories: system-repositories-answer

vendors-repositories-are-known:
  mattermost_repositories.managed:
    - name: mattermost
    - sections: {{ repositories.vendors | json }}
    - keys: {{ repositories['keys'] | json }}
    - ca_file: {{ mattermost.platform.ca_bundle }}
    - setting: platform:repositories:vendors
    - require:
      - pkg: certificates-of-authorities-are-recent

module-streams-hide-no-package:
  mattermost_repositories.modules_off:
    - modules: {{ repositories.modules_off | json }}
    - require:
      - mattermost_repositories: vendors-repositories-are-known
