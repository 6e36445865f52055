# The parts of the daily run; a periodic job of one task announces and merges them, as in kubernetes.yaml.
job "opscheck-daily-shards" {
  type = "batch"

  periodic {
    crons            = ["0 9 * * *"]
    prohibit_overlap = true
  }

  group "shard" {
    count = 8

    volume "reports" {
      type            = "csi"
      source          = "opscheck-reports"
      access_mode     = "multi-node-multi-writer"
      attachment_mode = "file-system"
    }

    restart {
      attempts = 0
      mode     = "fail"
    }

    task "shard" {
      driver = "docker"

      config {
        image    = "registry.example.com/checks:1"
        work_dir = "/checks"
        command  = "sh"
        args     = ["-c", "pytest -q -m daily --opscheck-shard $((NOMAD_ALLOC_INDEX + 1))/8 --opscheck-reports /reports || true"]
      }

      volume_mount {
        volume      = "reports"
        destination = "/reports"
      }
    }
  }
}
