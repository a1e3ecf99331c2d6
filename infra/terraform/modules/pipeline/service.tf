# How people and programs reach the pipeline's API and the dashboard: by the balancer of the UIs, under a name of its own.

resource "aws_lb_target_group" "service" {
  #checkov:skip=CKV_AWS_378:TLS ends at the balancer, in the same network
  count       = var.service == null ? 0 : 1
  name        = "${var.settings.prefix}-service-${var.settings.suffix}"
  vpc_id      = var.vpc_id
  port        = 8000
  protocol    = "HTTP"
  target_type = "ip"

  health_check {
    path    = "/healthz"
    matcher = "200"
  }
}

resource "aws_lb_listener_rule" "service" {
  count        = var.service == null ? 0 : 1
  listener_arn = aws_lb_listener.https.arn
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.service[0].arn
  }
  condition {
    host_header {
      values = [var.service.host]
    }
  }
}

resource "aws_vpc_security_group_ingress_rule" "service" {
  count                        = var.service == null ? 0 : 1
  description                  = "People and programs reach the service, which has a log-in"
  security_group_id            = aws_security_group.tasks.id
  referenced_security_group_id = aws_security_group.balancer.id
  from_port                    = 8000
  to_port                      = 8000
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "to_service" {
  count                        = var.service == null ? 0 : 1
  description                  = "The service"
  security_group_id            = aws_security_group.balancer.id
  referenced_security_group_id = aws_security_group.tasks.id
  from_port                    = 8000
  to_port                      = 8000
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "operate" {
  count                        = var.service == null ? 0 : 1
  description                  = "The service starts runs"
  security_group_id            = aws_security_group.tasks.id
  referenced_security_group_id = aws_security_group.tasks.id
  from_port                    = 3000
  to_port                      = 3000
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "operate" {
  count                        = var.service == null ? 0 : 1
  description                  = "The service starts runs"
  security_group_id            = aws_security_group.tasks.id
  referenced_security_group_id = aws_security_group.tasks.id
  from_port                    = 3000
  to_port                      = 3000
  ip_protocol                  = "tcp"
}
