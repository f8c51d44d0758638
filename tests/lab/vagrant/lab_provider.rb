# A provider for Vagrant whose machines are lab hosts that run already: it starts nothing and takes nothing away.
# With it `vagrant up` does all the rest for real: provisioners, triggers, ssh.
module LabHost
  class Plugin < Vagrant.plugin("2")
    name "lab host"
    provider(:lab, box_optional: true, parallel: false) { Provider }
    config(:lab, :provider) { Config }
  end

  class Config < Vagrant.plugin("2", :config)
    attr_accessor :host, :key
  end

  class Provider < Vagrant.plugin("2", :provider)
    Builtin = Vagrant::Action::Builtin
    STEPS = {
      up: -> { [Builtin::ConfigValidate, Adopt, Builtin::WaitForCommunicator, Builtin::Provision] },
      provision: -> { [Builtin::ConfigValidate, Builtin::Provision] },
      ssh_run: -> { [Builtin::SSHRun] },
      destroy: -> { [Forget] },
    }.freeze

    def initialize(machine)
      @machine = machine
    end

    def action(name)
      steps = STEPS[name] or return nil
      Vagrant::Action::Builder.new.tap { |builder| steps.call.each { |step| builder.use(step) } }
    end

    def ssh_info
      { host: @machine.provider_config.host, port: 22, username: "root", private_key_path: @machine.provider_config.key }
    end

    def state
      name = @machine.id ? :running : :not_created
      Vagrant::MachineState.new(name, name.to_s, name.to_s)
    end
  end

  class Step
    def initialize(app, _env)
      @app = app
    end
  end

  class Adopt < Step
    def call(env)
      env[:machine].id ||= "lab"
      @app.call(env)
    end
  end

  class Forget < Step
    def call(env)
      env[:machine].id = nil
      @app.call(env)
    end
  end
end
