for topic in model token environment exit; do embscope help $topic; done
